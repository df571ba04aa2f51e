"""What a check costs on its way through all services, beside what its parts would cost at the least."""
