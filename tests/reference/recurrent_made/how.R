source("../_lib.R")
# A made cohort, expanded by survival::tmerge and fitted by coxph. Times are local midnights and UTC instants, compared in elapsed days.
tz <- "Europe/London"; set.seed(20150101)
days <- function(x) as.numeric(difftime(x, as.POSIXct("2015-01-01", tz = tz), units = "days"))
midnight <- function(d) as.POSIXct(format(d), tz = tz)
n <- 120; id <- sprintf("p%02d", 1:n)
people <- data.frame(person_id = id, birth_date = as.Date("2001-01-15") + sample(0:2500, n), sex = sample(c("female", "male"), n, TRUE),
  observed_from = as.Date("2015-01-01") + ifelse(runif(n) < .3, sample(1:200, n, TRUE), 0), observed_to = as.Date("2017-12-31") - ifelse(runif(n) < .3, sample(1:300, n, TRUE), 0))
risk <- rgamma(n, 1, 1)
markers <- do.call(rbind, lapply(1:n, function(i) if (runif(1) < .5) data.frame(person_id = id[i], marker = "mental_health", known_from = as.Date("2014-10-01") + sample(0:900, 1))))
inc <- do.call(rbind, lapply(1:n, function(i) { t <- days(midnight(people$observed_from[i])); end <- days(midnight(people$observed_to[i] + 1)); out <- NULL; last <- -Inf
  repeat { since <- t - last + 1e-9; rate <- .003 * risk[i] * if (since < 14) 8 else if (since < 28) 3 else 1; change <- last + c(14, 28, Inf)[1 + (since >= 14) + (since >= 28)]
    if (last == -Inf) change <- Inf; after <- t + rexp(1, rate); if (min(after, change) >= end) break; if (after > change) { t <- change; next }; t <- after
    length <- rexp(1, .5) + .05; out <- rbind(out, data.frame(person_id = id[i], at = t, back = t + length)); t <- last <- t + length }
  out }))
origin <- as.POSIXct("2015-01-01", tz = tz)
stamp <- function(d) format(origin + round(d * 86400), "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
inc <- data.frame(incident_id = sprintf("i%03d", seq_len(nrow(inc))), person_id = inc$person_id, reported_at = stamp(inc$at), ended_at = stamp(inc$back))
wcsv(inc); write.csv(people, "people.csv", row.names = FALSE, quote = FALSE); write.csv(markers, "markers.csv", row.names = FALSE, quote = FALSE)
inc <- rcsv(); people <- rcsv("people.csv"); markers <- rcsv("markers.csv")
utc <- function(s) as.POSIXct(s, format = "%Y-%m-%dT%H:%M:%SZ", tz = "UTC")
inc$at <- days(utc(inc$reported_at)); inc$back <- days(utc(inc$ended_at))
people$open <- days(midnight(as.Date(people$observed_from))); people$close <- days(midnight(as.Date(people$observed_to) + 1))
birthdays <- do.call(rbind, lapply(1:nrow(people), function(i) { b <- as.Date(people$birth_date[i]); d <- seq(b, by = "year", length.out = 25); data.frame(person_id = people$person_id[i], at = days(midnight(d)), years = 0:24) }))
markers$at <- days(midnight(as.Date(markers$known_from) + 28)); markers$one <- 1
expand <- function(who) {
  base <- who[, c("person_id", "sex")]; own <- inc[inc$person_id %in% who$person_id & inc$at >= who$open[match(inc$person_id, who$person_id)], ]
  last <- who$close[match(own$person_id, who$person_id)]
  d <- tmerge(base, who, id = person_id, tstart = open, tstop = close)
  d <- tmerge(d, own, id = person_id, report = event(at), number = cumtdc(at))
  state <- rbind(data.frame(person_id = own$person_id, at = own$at, state = -1, ret = NA), data.frame(person_id = own$person_id, at = own$back, state = 2, ret = own$back),
    data.frame(person_id = own$person_id, at = own$back + 14, state = 1, ret = NA), data.frame(person_id = own$person_id, at = own$back + 28, state = 0, ret = NA))
  # what a later incident overtook is not a state any more
  for (i in seq_len(nrow(own))) { later <- own$at[own$person_id == own$person_id[i] & own$at > own$at[i]]
    if (length(later)) state <- state[!(state$person_id == own$person_id[i] & state$at >= min(later) & state$at %in% (own$back[i] + c(0, 14, 28))), ] }
  d <- tmerge(d, state, id = person_id, state = tdc(at, state, 0))
  d <- tmerge(d, state[state$state == 2, ], id = person_id, ret = tdc(at, ret))
  d <- tmerge(d, birthdays, id = person_id, years = tdc(at, years))
  d <- tmerge(d, markers, id = person_id, mental_health = tdc(at, one, 0))
  d <- tmerge(d, data.frame(person_id = who$person_id, at = days(midnight(as.Date("2017-01-01")))), id = person_id, era = tdc(at))
  d <- d[d$state >= 0, ]
  transform(d, earlier = log2(1 + number), recent = as.numeric(state == 2), less = as.numeric(state == 1), female = as.numeric(sex == "female"), age = (years + .5 - 30) / 10,
    origin = ifelse(is.na(ret), who$open[match(person_id, who$person_id)], ret)) }
d <- expand(people)
ag <- coxph(Surv(tstart, tstop, report) ~ earlier + recent + less + mental_health + female + age + strata(era), d, cluster = person_id, ties = "efron", control = CTL)
z <- cox.zph(coxph(Surv(tstart, tstop, report) ~ earlier + recent + less + mental_health + female + age + strata(era), d, control = CTL), transform = "identity")
late <- people; late$open <- late$open + 365; first <- tapply(inc$at, inc$person_id, min)[late$person_id]
late <- late[late$open < late$close & (is.na(first) | first >= late$open), ]
w <- expand(late); w$order <- pmin(w$number, 4)
tt <- coxph(Surv(tstart, tstop, report) ~ recent + less + mental_health + female + age + strata(era, order), w, cluster = person_id, ties = "efron", control = CTL)
gt <- coxph(Surv(tstart - origin, tstop - origin, report) ~ mental_health + female + age + strata(era, order), w, cluster = person_id, ties = "efron", control = CTL)
emit(list(case = "recurrent_made", title = "Andersen-Gill, PWP total and gap time on rows that R expanded itself: nobody at risk while missing, marker lagged by 28 days, own history, era strata, wash-out of 365 days",
  source = "made up in how.R", licence = "MIT", tolerance = "rel 1e-7: R holds cut times as doubles, here they are whole milliseconds",
  notes = "input.csv are incidents, people.csv windows, markers.csv dated records. Age is completed years plus a half, minus 30, over 10."),
  list(rows = nrow(d), days = sum(d$tstop - d$tstart), people_after_wash_out = nrow(late), ag = coxout(ag), zph = list(chisq = as.list(z$table[, "chisq"]), p = as.list(z$table[, "p"])), pwp_tt = coxout(tt), pwp_gt = coxout(gt)))
