package dev.flywheel.engine.jinja;

import dev.flywheel.engine.jinja.Statement.Branch;
import dev.flywheel.engine.jinja.Statement.Signature;
import dev.flywheel.engine.jinja.Statement.Target;
import dev.flywheel.engine.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads statements. */
final class TemplateParser {
    /** Statements of Jinja2 that reach other templates or what is not text. */
    private static final Set<String> LEFT_OUT =
            Set.of("include", "import", "from", "extends", "block", "autoescape", "print", "trans",
                    "do", "debug");

    private final TokenStream stream;
    private final ExpressionParser expressions;
    private int loops;

    private TemplateParser(TokenStream stream) {
        this.stream = stream;
        this.expressions = new ExpressionParser(stream);
    }

    static List<Statement> parse(String source) {
        TemplateParser parser = new TemplateParser(new TokenStream(Lexer.tokens(source)));
        return parser.statements(Set.of());
    }

    /** Reads up to a tag that begins with one of the names, whose name is then the current token. */
    private List<Statement> statements(Set<String> ends) {
        stream.deeper();
        List<Statement> body = new ArrayList<>();
        while (true) {
            Token token = stream.next();
            switch (token.kind()) {
                case DATA -> body.add(new Statement.Text(token.text()));
                case PRINT_BEGIN -> {
                    body.add(new Statement.Print(expressions.tuple(true, null), token.line()));
                    stream.expect(Kind.PRINT_END, "'}}'");
                }
                case TAG_BEGIN -> {
                    if (stream.current().kind() == Kind.NAME
                            && ends.contains(stream.current().text())) {
                        stream.shallower();
                        return body;
                    }
                    body.add(statement());
                    stream.expect(Kind.TAG_END, "'%}'");
                }
                case END -> {
                    if (!ends.isEmpty()) {
                        throw TemplateException.syntax(
                                "unexpected end of template, expected one of the tags " + ends,
                                token.line());
                    }
                    return body;
                }
                default ->
                    throw TemplateException.syntax("unexpected " + token.shown(), token.line());
            }
        }
    }

    /** Reads the inside of a block, from after its tag to within its end tag. */
    private List<Statement> block(String... ends) {
        stream.expect(Kind.TAG_END, "'%}'");
        return statements(Set.of(ends));
    }

    private List<Statement> lastBlock(String end) {
        List<Statement> body = block(end);
        stream.next();
        return body;
    }

    private Statement statement() {
        int line = stream.line();
        String tag = stream.expectName();
        return switch (tag) {
            case "if" -> conditional();
            case "for" -> loop(line);
            case "set" -> assignment(line);
            case "macro" -> macro(line);
            case "call" -> callBlock(line);
            case "filter" -> new Statement.FilterBlock(
                    expressions.filterChain(new Expression.Name(Statement.CAPTURED)),
                    lastBlock("endfilter"), line);
            case "with" -> with(line);
            case "generation" -> new Statement.Scoped(lastBlock("endgeneration"));
            case "break", "continue" -> jump(tag, line);
            default -> throw LEFT_OUT.contains(tag)
                    ? TemplateException.unsupported("statement '" + tag + "'", line)
                    : TemplateException.syntax("encountered unknown tag '" + tag + "'", line);
        };
    }

    private Statement jump(String tag, int line) {
        if (loops == 0) {
            throw TemplateException.syntax("'" + tag + "' outside loop", line);
        }
        return tag.equals("break") ? new Statement.Break() : new Statement.Continue();
    }

    private Statement conditional() {
        List<Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        while (true) {
            Expression test = expressions.tuple(false, null);
            branches.add(new Branch(test, block("elif", "else", "endif")));
            String end = stream.expectName();
            if (end.equals("else")) {
                otherwise = lastBlock("endif");
                break;
            }
            if (end.equals("endif")) {
                break;
            }
        }
        return new Statement.If(branches, otherwise);
    }

    private Statement loop(int line) {
        Target target = target(true, "in");
        if (!stream.skipName("in")) {
            throw stream.unexpected("'in'");
        }
        Expression items = expressions.tuple(false, "recursive");
        Expression test = stream.skipName("if") ? expressions.expression() : null;
        boolean recursive = stream.skipName("recursive");
        loops++;
        List<Statement> body = block("endfor", "else");
        loops--;
        List<Statement> otherwise =
                stream.expectName().equals("else") ? lastBlock("endfor") : List.of();
        return new Statement.For(target, items, test, body, otherwise, recursive, line);
    }

    private Statement assignment(int line) {
        Target target = target(true, null);
        if (stream.skipOperator("=")) {
            return new Statement.Set(target, expressions.tuple(true, null), line);
        }
        Expression filters = new Expression.Name(Statement.CAPTURED);
        if (stream.skipOperator("|")) {
            filters = expressions.filterChain(filters);
        }
        return new Statement.SetBlock(target, filters, lastBlock("endset"), line);
    }

    private Target target(boolean tuples, @Nullable String endName) {
        int line = stream.line();
        List<Target> targets = new ArrayList<>();
        boolean commas = false;
        do {
            if (!targets.isEmpty()
                    && (stream.current().kind() != Kind.NAME && !stream.current().isOperator("(")
                            || endName != null && stream.current().isName(endName))) {
                break;
            }
            targets.add(oneTarget());
            commas |= stream.current().isOperator(",");
        } while (tuples && stream.skipOperator(","));
        if (targets.stream().anyMatch(t -> t instanceof Statement.MemberTarget)
                && endName != null) {
            throw TemplateException.syntax("a loop variable must be a name", line);
        }
        return commas ? new Statement.TupleTarget(targets) : targets.get(0);
    }

    private Target oneTarget() {
        int line = stream.line();
        if (stream.skipOperator("(")) {
            stream.deeper();
            Target inner = target(true, null);
            stream.shallower();
            stream.expectOperator(")");
            return inner;
        }
        String name = stream.expectName();
        if (Set.of("true", "True", "false", "False", "none", "None").contains(name)) {
            throw TemplateException.syntax("can't assign to '" + name + "'", line);
        }
        return stream.skipOperator(".")
                ? new Statement.MemberTarget(name, stream.expectName())
                : new Statement.NameTarget(name);
    }

    private Statement macro(int line) {
        String name = stream.expectName();
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        signature(parameters, defaults);
        int from = stream.position();
        List<Statement> body = isolated("endmacro");
        return new Statement.Macro(name, signature(parameters, defaults, from), body, line);
    }

    private List<Statement> isolated(String end) {
        int outer = loops;
        loops = 0;
        List<Statement> body = lastBlock(end);
        loops = outer;
        return body;
    }

    private void signature(List<String> parameters, List<Expression> defaults) {
        stream.expectOperator("(");
        while (!stream.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                stream.expectOperator(",");
            }
            parameters.add(stream.expectName());
            if (stream.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw TemplateException.syntax("non-default argument follows default argument",
                        stream.line());
            }
        }
    }

    private Signature signature(List<String> parameters, List<Expression> defaults, int bodyFrom) {
        return new Signature(parameters, defaults,
                stream.names(bodyFrom, "varargs"), stream.names(bodyFrom, "kwargs"),
                stream.names(bodyFrom, "caller"));
    }

    private Statement callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        if (stream.current().isOperator("(")) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw TemplateException.syntax("expected call", line);
        }
        int from = stream.position();
        List<Statement> body = isolated("endcall");
        return new Statement.CallBlock(call, signature(parameters, defaults, from), body, line);
    }

    private Statement with(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (stream.current().kind() != Kind.TAG_END) {
            if (!targets.isEmpty()) {
                stream.expectOperator(",");
            }
            targets.add(oneTarget());
            stream.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Statement.With(targets, values, lastBlock("endwith"), line);
    }
}
