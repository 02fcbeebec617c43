"""The paper's figures, one by one: ours in their form, held against what its text says (`oxmc paper`)."""
