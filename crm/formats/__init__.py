"""How this shop writes dates and times, where Django writes them otherwise."""
