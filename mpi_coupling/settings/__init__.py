"""Settings of an application as JSON: typed sections, and all that is wrong with a file in one message."""
