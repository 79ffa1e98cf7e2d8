"""Who a campaign goes to: groups, their contacts, and the audience that follows from them."""
