"""The paper's tables and figures in one go: what is to be run (`plan`), what is done (`steps`), the page (`report`)."""
