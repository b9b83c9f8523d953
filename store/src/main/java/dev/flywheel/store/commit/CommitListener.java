package dev.flywheel.store.commit;

import dev.flywheel.store.core.Fact;
import java.util.List;

/** Is told of every commit, in order, once it is durable. Called on the committing thread: it must not block. */
public interface CommitListener {

    void committed(long commit, List<Fact> facts);

    /** Commits may have been missed, or the store closes; nothing more is told. */
    void interrupted(String why);
}
