"""Incidents, as people read them and what people do about them; opening and resolving them is the recorder's."""
