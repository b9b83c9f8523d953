package dev.flywheel.app.oracle;

import dev.flywheel.adapters.AdapterException;
import dev.flywheel.adapters.file.FileProblem;
import dev.flywheel.engine.jinja.TemplateException;
import dev.flywheel.engine.model.ModelException;
import dev.flywheel.engine.tokenizer.TokenizerException;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The exceptions with which files may be refused; any other is a defect. */
public final class Refusals {
    private Refusals() {}

    /** Returns whether this is a documented refusal with a message. */
    public static boolean isRefusal(Throwable e) {
        boolean documented = e instanceof AdapterException
                || e instanceof ModelException
                || e instanceof TemplateException
                || e instanceof TokenizerException;
        return documented && e.getMessage() != null && !e.getMessage().isBlank();
    }

    /** Returns whether the refusal is for a feature that is not supported, not for something else. */
    static boolean isForFeature(Throwable e) {
        return e instanceof TemplateException t && t.kind() == TemplateException.Kind.UNSUPPORTED
                || e instanceof AdapterException a && a.code() == AdapterException.Code.UNSUPPORTED
                || e instanceof ModelException m && m.code() == ModelException.Code.UNSUPPORTED
                || e instanceof TokenizerException;
    }

    /** Returns in one line what happened; of an exception that is no refusal its kind too. */
    static String words(Throwable e) {
        if (e instanceof UncheckedIOException && e.getCause() instanceof IOException unread) {
            return FileProblem.words(unread);
        }
        return isRefusal(e) ? line(e) : e.toString().replaceAll("\\s*\\R\\s*", " ");
    }

    /** Returns the message in one line. */
    static String line(Throwable e) {
        return String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
    }
}
