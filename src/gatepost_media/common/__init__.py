"""What all media servers share: tools and how they are served, settings, the HTTP client, ids, bounded replies."""
