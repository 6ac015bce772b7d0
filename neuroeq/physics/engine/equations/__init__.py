"""Reading and checking the equations of a model: symbols, integration, fields."""
