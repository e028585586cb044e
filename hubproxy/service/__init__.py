"""Use cases. They open no file and no socket: they ask a port."""
