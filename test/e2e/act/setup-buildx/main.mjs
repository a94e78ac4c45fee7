// As the real one fails where BuildKit's image cannot be pulled.
console.log("No builder of its own can be started here.");
process.exitCode = 1;
