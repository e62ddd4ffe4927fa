"""One module per contender: how it is started, checked and measured."""
