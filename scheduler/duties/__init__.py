"""One maintenance duty, one file, one ``run_once``; the tick composes them."""
