"""From a data set and a Recipe to a Model: what the network is fed, the loop, and what it keeps."""
