"""What tests of every kind share: real servers, real processes, bounded waiting."""
