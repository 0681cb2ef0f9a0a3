"""Plans of moves: what they are made of, and when a plan is safe in every order that it allows."""
