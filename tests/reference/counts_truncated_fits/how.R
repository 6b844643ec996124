source("../_lib.R"); suppressMessages(library(MASS))
d0 <- data.frame(count=quine$Days[quine$Days>0]); wcsv(d0); y <- rcsv()$count; n <- length(y)
best <- function(f,starts) { o <- NULL; for(s in starts) { r <- optim(s,f,method="BFGS",control=list(reltol=1e-15,maxit=5000)); if(is.null(o) || r$value<o$value) o <- r }; o }
dzp <- function(x,m) dpois(x,m)/-expm1(-m); dzn <- function(x,m,k) dnbinom(x,size=k,mu=m)/(1-(k/(k+m))^k); dls <- function(x,p) p^x/(-x*log1p(-p))
po <- best(function(p) -sum(log(dzp(y,exp(p)))), list(log(mean(y)))); nb <- best(function(p) -sum(log(dzn(y,exp(p[1]),exp(p[2])))), list(c(log(mean(y)),0))); ls <- best(function(p) -sum(log(dls(y,plogis(p)))), list(2))
mix <- function(p) { w <- c(1,exp(p[1:(length(p)%/%2)])); w <- w/sum(w); m <- exp(p[(length(p)%/%2+1):length(p)]); list(w=w,m=m,f=function(x) rowSums(sapply(seq_along(m),function(j) w[j]*dzp(x,m[j])))) }
m2 <- best(function(p) -sum(log(mix(p)$f(y))), list(c(0,log(5),log(25)),c(-1,log(8),log(40)))); m3 <- best(function(p) -sum(log(mix(p)$f(y))), list(c(0,0,log(3),log(12),log(40)),c(-1,-2,log(5),log(20),log(60)))); m2$par <- optim(m2$par,function(p) -sum(log(mix(p)$f(y))),control=list(reltol=1e-15,maxit=20000))$par
# neighbouring counts pooled from one upwards until a cell expects five; the rest joins the last cell
pool <- function(e) { cell <- integer(length(e)); k <- 0; held <- 0; left <- rev(cumsum(rev(e))); for(i in seq_along(e)) { cell[i] <- k; held <- held+e[i]; after <- if(i<length(e)) left[i+1] else 0; if(held>=5 && after>=5) { k <- k+1; held <- 0 } }; cell }
chi <- function(f,par) { x <- 1:2000; e <- n*f(x); e[2000] <- e[2000]+n-sum(e); o <- tabulate(y,2000); cell <- pool(e); E <- tapply(e,cell,sum); O <- tapply(o,cell,sum); df <- length(E)-1-par; s <- sum((O-E)^2/E); list(cells=length(E),statistic=s,df=df,p=pchisq(s,df,lower.tail=FALSE)) }
fit <- function(o,f,par) c(list(loglik=-o$value,aic=2*o$value+2*par,bic=2*o$value+par*log(n)),chi(f,par))
a <- mix(m2$par); o2 <- order(a$m)
emit(list(case="counts_truncated_fits", title="Zero-truncated Poisson and negative binomial, log-series, mixtures of two and three zero-truncated Poissons: fit, AIC, BIC, chi-squared on pooled cells", source="MASS::quine, Days>0", licence="GPL-2 | GPL-3", notes="cells pooled from one upwards until the expected number is five, the rest joins the last cell; df = cells - 1 - parameters; weights of a mixture are those among people with at least one", tolerance="rel 1e-5; loglik and criteria rel 1e-8"),
 list(n=n, poisson=c(list(mean=exp(po$par)),fit(po,function(x) dzp(x,exp(po$par)),1)), negative_binomial=c(list(mean=exp(nb$par[1]),shape=exp(nb$par[2])),fit(nb,function(x) dzn(x,exp(nb$par[1]),exp(nb$par[2])),2)), log_series=c(list(success=plogis(ls$par)),fit(ls,function(x) dls(x,plogis(ls$par)),1)),
 mixture_2=c(list(weights=a$w[o2],means=a$m[o2]),fit(m2,a$f,3)), mixture_3=list(loglik=-m3$value)))
