//! One TypeScript or JSX file to JavaScript and a source map. Knows no folders and no engine.

use std::path::Path;

use oxc::allocator::Allocator;
use oxc::codegen::{Codegen, CodegenOptions};
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;
use oxc::transformer::{DecoratorOptions, HelperLoaderOptions, TransformOptions, Transformer};

/// What a file became.
#[derive(Debug)]
pub(crate) struct Transpiled {
    pub(crate) code: String,
    pub(crate) map: String,
}

/// The first error in a file: what, and where, both from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Turns a source file into JavaScript. `name` decides the language by its extension, and is what the map names.
pub(crate) fn transpile(name: &Path, source: &str) -> Result<Transpiled, SyntaxError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, source, source_type(name)).parse();
    check(source, parsed.diagnostics.iter())?;
    let mut program = parsed.program;
    let analysed = SemanticBuilder::new()
        .with_excess_capacity(2.0)
        .with_enum_eval(true)
        .with_check_syntax_error(true)
        .build(&program);
    check(source, analysed.diagnostics.iter())?;
    let scoping = analysed.semantic.into_scoping();
    let options = options();
    let transformed =
        Transformer::new(&allocator, name, &options).build_with_scoping(scoping, &mut program);
    check(source, transformed.diagnostics.iter())?;
    let file_name = name.file_name().unwrap_or(name.as_os_str());
    let printed = Codegen::new()
        .with_options(CodegenOptions {
            source_map_path: Some(file_name.into()),
            ..CodegenOptions::default()
        })
        .with_source_text(source)
        .build(&program);
    let map = printed
        .map
        .map(|map| map.to_json_string())
        .unwrap_or_default();
    Ok(Transpiled {
        code: printed.code,
        map,
    })
}

/// Looks for syntax errors in a JavaScript file.
pub(crate) fn check_syntax(name: &Path, source: &str, kind: SourceKind) -> Result<(), SyntaxError> {
    let allocator = Allocator::default();
    let kind = match kind {
        SourceKind::Module => SourceType::mjs(),
        SourceKind::CommonJs => SourceType::cjs(),
    };
    let jsx = name.extension().is_some_and(|extension| extension == "jsx");
    let parsed = Parser::new(&allocator, source, kind.with_jsx(jsx)).parse();
    check(source, parsed.diagnostics.iter())?;
    let analysed = SemanticBuilder::new()
        .with_check_syntax_error(true)
        .build(&parsed.program);
    check(source, analysed.diagnostics.iter())
}

/// How a JavaScript file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceKind {
    Module,
    CommonJs,
}

fn source_type(name: &Path) -> SourceType {
    SourceType::from_path(name).unwrap_or_else(|_| SourceType::ts())
}

fn options() -> TransformOptions {
    TransformOptions {
        decorator: DecoratorOptions {
            legacy: true,
            ..DecoratorOptions::default()
        },
        helper_loader: HelperLoaderOptions {
            module_name: "zygo".into(),
            ..HelperLoaderOptions::default()
        },
        ..TransformOptions::default()
    }
}

/// The functions that transpiled code imports for decorators.
pub(crate) fn helper(name: &str) -> Option<&'static str> {
    match name {
        "decorate" => Some(
            "export default function (decorators, target, key, descriptor) {
               const count = arguments.length;
               let result = count < 3 ? target
                 : descriptor === null ? descriptor = Object.getOwnPropertyDescriptor(target, key) : descriptor;
               for (let i = decorators.length - 1; i >= 0; i--) {
                 const decorator = decorators[i];
                 if (!decorator) continue;
                 result = (count < 3 ? decorator(result)
                   : count > 3 ? decorator(target, key, result) : decorator(target, key)) || result;
               }
               if (count > 3 && result) Object.defineProperty(target, key, result);
               return result;
             }",
        ),
        "decorateParam" => Some(
            "export default (index, decorator) => (target, key) => decorator(target, key, index);",
        ),
        "decorateMetadata" => Some(
            "export default (key, value) => Reflect.metadata?.(key, value);",
        ),
        _ => None,
    }
}

fn check<'a>(
    source: &str,
    mut errors: impl Iterator<Item = &'a OxcDiagnostic>,
) -> Result<(), SyntaxError> {
    let Some(error) = errors.next() else {
        return Ok(());
    };
    let offset = error
        .labels
        .first()
        .map_or(0, |label| usize::try_from(label.offset()).unwrap_or(0));
    let (line, column) = place(source, offset);
    Err(SyntaxError {
        message: error.message.to_string(),
        line,
        column,
    })
}

fn place(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(source: &str) -> String {
        transpile(Path::new("index.ts"), source)
            .expect("no errors")
            .code
    }

    #[test]
    fn types_go_and_code_stays() {
        let out =
            code("interface A { x: number }\nexport const f = (a: A): number => a.x as number;");
        assert!(
            !out.contains("interface") && !out.contains(": number"),
            "{out}"
        );
        assert!(out.contains("a.x"), "{out}");
    }

    #[test]
    fn enums_namespaces_and_parameter_properties_become_code() {
        let out = code(
            "enum E { A, B = 'b' } namespace N { export const x = 1 } class C { constructor(public y: number) {} } export { E, N, C }",
        );
        assert!(
            !out.contains("namespace") && !out.contains("public"),
            "{out}"
        );
        assert!(out.contains("this.y = y"), "{out}");
    }

    #[test]
    fn decorators_use_the_helper() {
        let out = code("const d = (c: any) => c; @d class A {} export { A }");
        assert!(out.contains("zygo/helpers/decorate"), "{out}");
    }

    #[test]
    fn unused_type_imports_go() {
        let out = code("import { T } from './t'; import { v } from './v'; export const x: T = v;");
        assert!(!out.contains("./t") && out.contains("./v"), "{out}");
    }

    #[test]
    fn errors_name_line_and_column() {
        let error =
            transpile(Path::new("index.ts"), "const a = 1;\nconst b = ;\n").expect_err("an error");
        assert_eq!((error.line, error.column), (2, 11));
        let twice =
            transpile(Path::new("index.ts"), "let a = 1;\nlet a = 2;\n").expect_err("an error");
        assert!(twice.line <= 2, "{twice:?}");
    }

    #[test]
    fn the_map_names_the_source() {
        let map = transpile(Path::new("src/index.ts"), "export const a: number = 1;")
            .expect("no errors")
            .map;
        assert!(map.contains("\"sources\":[\"index.ts\"]"), "{map}");
    }

    #[test]
    fn javascript_is_only_checked() {
        let name = Path::new("a.js");
        assert!(check_syntax(name, "export const a = 1;", SourceKind::Module).is_ok());
        assert!(check_syntax(name, "return 1;", SourceKind::CommonJs).is_ok());
        assert!(check_syntax(name, "const = 1;", SourceKind::Module).is_err());
    }
}
