"""Train many configurations: in processes of their own, compared on the validation part."""
