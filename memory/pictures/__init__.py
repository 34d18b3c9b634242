"""Pictures of the chat: read and made safe, kept beside their thread, counted by each provider's rule, sent."""
