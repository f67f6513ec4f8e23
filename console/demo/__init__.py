"""A playable fleet without hosts: three incidents that the keys can solve. Also the scenes of the screenshots."""
