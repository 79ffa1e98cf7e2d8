"""The whole tick in simulated time, over a year, with judges that look only at what left."""
