"""Jobs and their queue: `model` is the vocabulary that everybody shares, `rules` says how the queue must behave."""
