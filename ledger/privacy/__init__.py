"""Privacy: erasing what is known of a member, while the books, which know an opaque id, stay as they are."""
