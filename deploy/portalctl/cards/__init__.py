"""Card numbers that earlier versions stored in free text: where they are, and how they are taken out."""
