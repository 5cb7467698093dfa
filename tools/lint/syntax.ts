/**
 * Questions about the syntax tree that several rules ask.
 *
 * @module
 */

/** A name as it appears in the source. */
export type Identifier = Extract<Deno.lint.Node, { type: "Identifier" }>;

/**
 * Whether a name is used for what it stands for, rather than being the name of
 * a member, a key, a label or a parameter in a type.
 *
 * @param node The name.
 * @returns `true` if it refers to a variable or a type of that name.
 */
export function isReference(node: Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.computed || !isSameNode(parent.property, node);
    case "Property":
      // In `{ a }` key and value are two nodes at one place: count the value.
      if (parent.shorthand) return parent.value === node;
      return parent.computed || !isSameNode(parent.key, node);
    case "MethodDefinition":
    case "PropertyDefinition":
    case "TSPropertySignature":
      return parent.computed || !isSameNode(parent.key, node);
    case "TSQualifiedName":
      return !isSameNode(parent.right, node);
    case "BreakStatement":
    case "ContinueStatement":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
    case "ImportSpecifier":
    case "ExportSpecifier":
    case "LabeledStatement":
    case "TSCallSignatureDeclaration":
    case "TSConstructSignatureDeclaration":
    case "TSEnumMember":
    case "TSFunctionType":
    case "TSImportType":
    case "TSIndexSignature":
    case "TSMethodSignature":
    case "TSNamedTupleMember":
      return false;
    default:
      return true;
  }
}

/**
 * Whether a name stands where only types stand, or is compared by `instanceof`.
 *
 * @param node The name.
 * @returns `true` if nothing of it is called or read.
 */
export function isTypeUse(node: Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "TSTypeReference":
    case "TSQualifiedName":
    case "TSTypeQuery":
    case "TSClassImplements":
    case "TSInterfaceHeritage":
      return true;
    case "BinaryExpression":
      return parent.operator === "instanceof" &&
        isSameNode(parent.right, node);
    default:
      return false;
  }
}

/**
 * The member that is taken of a name.
 *
 * @param node The name.
 * @returns The member's name; `undefined` if no member is taken, or one that
 * cannot be told.
 */
export function memberOf(node: Identifier): string | undefined {
  const { parent } = node;
  if (parent.type !== "MemberExpression" || !isSameNode(parent.object, node)) {
    return undefined;
  }
  const { property } = parent;
  if (property.type === "Identifier" && !parent.computed) return property.name;
  if (property.type === "Literal" && typeof property.value === "string") {
    return property.value;
  }
  return undefined;
}

/**
 * @param a A node.
 * @param b Another.
 * @returns Whether both are the same piece of the source.
 */
export function isSameNode(a: Deno.lint.Node, b: Deno.lint.Node): boolean {
  return a.range[0] === b.range[0] && a.range[1] === b.range[1];
}
