// Shows the document that this very service serves. Nothing is fetched from anywhere else: the validator of
// the viewer's makers is switched off, and the key that a reader types in stays in the page.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#viewer",
    deepLinking: true,
    validatorUrl: null,
    persistAuthorization: false,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
