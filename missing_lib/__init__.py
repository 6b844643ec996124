"""Count, model and publish how often people are reported missing, for any police force.

The rooms, top to bottom (imports go downwards only):

``cli`` -> ``book`` -> ``release``, ``figures``, ``study``, ``synthetic`` -> ``force``
"""

__version__ = "0.1.0"
