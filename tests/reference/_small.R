# As _lib.R, but with base R and survival alone.
options(digits = 15, warn = 1, stringsAsFactors = FALSE)
suppressMessages(library(survival))
num <- function(v) ifelse(is.finite(v), sprintf("%.15g", v), "null")
json <- function(x) if (is.list(x)) paste0("{", paste0('"', names(x), '": ', vapply(x, json, ""), collapse = ",\n"), "}") else if (is.character(x)) paste0('"', x, '"') else if (length(x) == 1) num(x) else paste0("[", paste(num(x), collapse = ", "), "]")
emit <- function(meta, expected) { meta$r_version <- R.version.string; meta$packages <- list(survival = as.character(packageVersion("survival"))); writeLines(json(c(meta, list(expected = expected))), "expected.json") }
