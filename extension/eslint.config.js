import js from "@eslint/js";
import globals from "globals";

const NO_MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe"].map((property) => ({
  property,
  message: "Texts of pages and servers are hostile: make elements with ui/elements.js.",
}));

export default [
  { ignores: ["**/node_modules/**"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: "latest", sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 12],
      eqeqeq: "error",
      "no-alert": "off",
      "no-console": ["error", { allow: ["error"] }],
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-globals": [
        "error",
        ...["chrome", "browser"].map((name) => ({ name, message: "platform/browser.js names it." })),
      ],
      "no-restricted-properties": ["error", ...NO_MARKUP],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    // These two talk to the browser, and one of them cannot import.
    files: ["**/platform/browser.js", "**/page/visit.js"],
    rules: { "no-restricted-globals": "off" },
  },
  { files: ["**/page/*.js"], languageOptions: { sourceType: "script" } },
  { files: ["tests/extension/**"], languageOptions: { globals: globals.node } },
];
