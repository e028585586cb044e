"""What is inside a module, read without TensorFlow. Pure: it runs in a short-lived child."""
