"""Jobs and their queue: `model` is the vocabulary that everybody shares, `rules` and `queue` say what must hold."""
