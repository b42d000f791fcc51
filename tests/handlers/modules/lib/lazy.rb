LAZY = "lazy"
