source("../_small.R")
set.seed(20260302); n <- 80
d0 <- data.frame(id=1:n, start=sample(0:4,n,TRUE), time=0, cause=sample(0:2,n,TRUE,c(.4,.35,.25)), w=sample(1:4,n,TRUE)/2, who=sample(1:25,n,TRUE), x=sample(0:3,n,TRUE), half=rep(c("a","b"),n/2)); d0$time <- d0$start+sample(1:9,n,TRUE); write.csv(d0,"input.csv",row.names=FALSE,quote=FALSE); d <- read.csv("input.csv")
d$ev <- factor(d$cause,0:2,c("censor","one","two")); ts <- c(2,4,6,8,10,15)
# survfit of survival 3.5-3 leaves cluster= unheeded for several states: clusters are summed by hand from its influence matrix (whose first column is time 0)
out <- function(f, w=rep(1,n), by=NULL) { z <- summary(f,times=ts,extend=TRUE); se <- z$std.err; if (!is.null(by)) { I <- f$influence.pstate[,findInterval(ts,f$time)+1,]; se <- apply(I,2:3,function(u) sqrt(sum(tapply(w*u,by,sum)^2))) }; list(times=ts,cif_one=z$pstate[,2],se_one=se[,2],cif_two=z$pstate[,3],se_two=se[,3]) }
s <- function(f,wt=rep(1,n)) { d$wt <- wt; survfit(f,d,weights=wt,id=id,influence=TRUE) }
o <- list(plain=out(survfit(Surv(time,ev)~1,d)), weighted=out(s(Surv(time,ev)~1,d$w)), cluster=out(s(Surv(time,ev)~1),by=d$who),
  entry=out(s(Surv(start,time,ev)~1)), entry_weighted_cluster=out(s(Surv(start,time,ev)~1,d$w),d$w,d$who))
G <- function(fg) { f <- coxph(Surv(fgstart,fgstop,fgstatus)~x,fg,weights=fgwt,control=coxph.control(eps=1e-14,toler.chol=5e-15,iter.max=100)); list(coef=unname(coef(f)),loglik=f$loglik) }
o$fine_gray <- list(plain=G(finegray(Surv(time,ev)~x,d,etype="two")), strata=G(finegray(Surv(time,ev)~x+strata(half),d,etype="one")), entry=G(finegray(Surv(start,time,ev)~x,d,etype="one",id=id)))
emit(list(case="cif_tied_entry", title="Aalen-Johansen and rows of Fine and Gray with ties, case weights, clusters, strata and delayed entry", source="made up: seeded in how.R", licence="none needed", notes="IJ standard errors; fine_gray: partial likelihood (Efron) of the rows at 0 and at its maximum (strata: censoring by stratum, one baseline); with entry the weights are G(t-)H(t-) (Geskus 2011)", tolerance="rel 1e-8"), o)
