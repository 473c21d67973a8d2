"""One module for each library that the client goes along with. Each imports its own, and none is imported by others."""
