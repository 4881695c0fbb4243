"""What is trained: the network, and the model as it is saved and used."""
