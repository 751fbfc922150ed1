"""Pure rules of the trade: no clock, no database, no network."""
