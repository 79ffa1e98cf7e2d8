"""Teams and the tokens that act for them."""
