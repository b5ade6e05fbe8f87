"""One module per command of ``woaas-server``; heavy imports happen inside the functions."""
