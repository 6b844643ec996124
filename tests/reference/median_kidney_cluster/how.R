source("../_lib.R"); suppressMessages(library(survival))
d0 <- kidney[,c("id","time","status")]; wcsv(d0); d <- rcsv()
q <- function(f) { z <- quantile(f,.5); as.numeric(c(z$quantile,z$lower,z$upper)) }
plain <- survfit(Surv(time,status)~1,data=d,conf.type="log-log"); robust <- survfit(Surv(time,status)~1,data=d,cluster=id,conf.type="log-log")
emit(list(case="median_kidney_cluster", title="Median time to infection with interval, two spells a patient: errors summed by patient", source="survival::kidney", licence="LGPL (>= 2)", notes="log-log bounds inverted (Brookmeyer and Crowley); the median is the first time at which the curve is at one half or below, R takes the middle of a flat stretch at exactly one half, which does not occur here", tolerance="exact"),
 list(plain=q(plain),robust=q(robust)))
