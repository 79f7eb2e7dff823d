"""What `leadkeeper bench` measures, one module a bench."""
