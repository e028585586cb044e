"""The network, inwards. Nothing is sent that the service did not hand over."""
