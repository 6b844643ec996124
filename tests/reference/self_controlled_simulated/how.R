# Poisson regression with one level for each person maximises the conditional likelihood of a
# self-controlled case series (Farrington 1995), and its standard errors are the conditional ones.
set.seed(11)
digits <- function(x) formatC(x, digits = 15, format = "g", width = 1)
rows <- do.call(rbind, lapply(1:60, function(i) {
  since <- sample(0:300, 1); until <- since + sample(300:900, 1)
  care <- sort(sample(since:until, 2)); own <- rgamma(1, 0.7, scale = 6) / (until - since)
  cuts <- sort(unique(c(since, until, care, seq(200, 1200, by = 200))))
  cuts <- cuts[cuts >= since & cuts <= until]
  start <- head(cuts, -1); stop <- cuts[-1]; middle <- (start + stop) / 2
  inside <- as.integer(middle > care[1] & middle < care[2])
  period <- as.integer(floor(middle / 200))
  rate <- own * exp(0.8 * inside + 0.3 * (period %% 2))
  data.frame(person = i, period = period, care = inside, days = stop - start,
             reports = rpois(length(start), rate * (stop - start)))
}))
rows <- rows[rows$person %in% rows$person[rows$reports > 0], ]
write.csv(rows, "input.csv", row.names = FALSE, quote = FALSE)
rows <- read.csv("input.csv")
tight <- glm.control(epsilon = 1e-14, maxit = 100)
alone <- glm(reports ~ factor(person) + care + offset(log(days)), poisson, rows, control = tight)
both <- glm(reports ~ factor(person) + factor(period) + care + offset(log(days)), poisson, rows, control = tight)
one <- function(f) sprintf("{\"effect\": %s, \"se\": %s}", digits(coef(f)["care"]), digits(sqrt(vcov(f)["care", "care"])))
periods <- coef(both)[grep("period", names(coef(both)))]
writeLines(sprintf('{
  "case": "self_controlled_simulated",
  "title": "Self-controlled case series: effect of a spell on the rate of the same person",
  "source": "simulated in how.R",
  "licence": "CC0",
  "notes": "periods are against the first; whoever has no report is left out, as nothing depends on them",
  "tolerance": "rel 1e-6",
  "r_version": "%s",
  "expected": {"care_alone": %s, "care_with_periods": %s, "periods": [%s]}
}', R.version.string, one(alone), one(both), paste(digits(periods), collapse = ", ")), "expected.json")
