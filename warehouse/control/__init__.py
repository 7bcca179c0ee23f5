"""Control records as the warehouse knows them: asked, published, applied, and how far their jobs are."""
