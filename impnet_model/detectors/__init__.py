"""The methods: one generator each, over the same networks. Each keeps vidkit's detector protocol."""
