"""What is kept of a user across conversations: LangGraph's BaseStore on our own stores."""
