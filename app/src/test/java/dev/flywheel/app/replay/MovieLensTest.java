package dev.flywheel.app.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MovieLensTest {
    private static final String ITEMS =
            "movieId,title,genres\n1,\"Silent Harbor, The (1987)\",Drama|Thriller\n2,Plain (2001),(no genres listed)\n";

    @TempDir Path folder;

    @Test
    void ratingsComeInOrderOfTimeThenUserThenItem() throws IOException {
        MovieLens read =
                read("userId,movieId,rating,timestamp\n9,1,4.0,50\n2,2,3.5,50\n2,1,1.0,50\n7,1,5.0,10\n");

        assertThat(read.ratings())
                .extracting(MovieLens.Rating::user, MovieLens.Rating::item)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(7, 1),
                        org.assertj.core.groups.Tuple.tuple(2, 1),
                        org.assertj.core.groups.Tuple.tuple(2, 2),
                        org.assertj.core.groups.Tuple.tuple(9, 1));
        assertThat(read.badRows().count()).isZero();
    }

    @Test
    void quotedTitlesKeepTheirCommas() throws IOException {
        MovieLens read = read("userId,movieId,rating,timestamp\n");

        assertThat(read.items().get(1).title()).isEqualTo("Silent Harbor, The (1987)");
        assertThat(read.items().get(1).genres()).containsExactly("Drama", "Thriller");
        assertThat(read.items().get(2).genres()).isEmpty();
    }

    @Test
    void badRowsAreNamedAndTheOthersKept() throws IOException {
        MovieLens read =
                read("userId,movieId,rating,timestamp\n1,1,nine,5\n1,1,4.0,5\n1,1,4.0\n1,3,4.0,5\n1,1,9.0,5\n");

        assertThat(read.ratings()).hasSize(1);
        assertThat(read.badRows().first())
                .hasSize(4)
                .anyMatch(row -> row.contains("ratings.csv line 2: rating is not a number"))
                .anyMatch(row -> row.contains("line 4: has 3 fields, expected 4"))
                .anyMatch(row -> row.contains("line 5: movieId is not in the items file"))
                .anyMatch(row -> row.contains("line 6: rating is outside 0 to 5"));
    }

    @Test
    void rowsWithBrokenQuotesAreNamedAndSpoilNoOther() throws IOException {
        MovieLens read =
                MovieLens.read(
                        write("ratings.csv", "userId,movieId,rating,timestamp\n"),
                        write("movies.csv", """
                                movieId,title,genres
                                1,"Open,Drama
                                2,"Shut"x,Drama
                                3,Inch 12" wide,Drama
                                4,"Inch 12"" wide",Drama

                                5,"",Drama
                                4,Again,Drama
                                6,Too,many,fields
                                """));

        assertThat(read.items()).containsOnlyKeys(4, 5);
        assertThat(read.items().get(4).title()).isEqualTo("Inch 12\" wide");
        assertThat(read.badRows().first())
                .hasSize(6)
                .anyMatch(row -> row.contains("line 6: is blank"))
                .anyMatch(
                        row -> row.contains("movies.csv line 2: is not CSV: Missing closing quote"))
                .anyMatch(row -> row.contains("line 3: is not CSV"))
                .anyMatch(row -> row.contains("line 4: has a quote inside a bare field"))
                .anyMatch(row -> row.contains("line 8: movieId stands in an earlier line too"))
                .anyMatch(row -> row.contains("line 9: has 4 fields, expected 3"));
    }

    @Test
    void numbersAreTakenInPlainDecimalsOnly() throws IOException {
        MovieLens read =
                read("userId,movieId,rating,timestamp\n1,1,4d,5\n1,1,NaN,5\n1,1,4.0,-5\n1,1,4.0,1e9\n1.5,1,4.0,5\n");

        assertThat(read.ratings()).isEmpty();
        assertThat(read.badRows().count()).isEqualTo(5);
    }

    @Test
    void badRowsBeyondTheFirstTwentyAreOnlyCounted() throws IOException {
        MovieLens read = read("userId,movieId,rating,timestamp\n" + "x\n".repeat(30));

        assertThat(read.badRows().count()).isEqualTo(30);
        assertThat(read.badRows().first()).hasSize(20);
    }

    @Test
    void aBlankLineIsABadRowUnlessItIsTheLastOfTheFile() throws IOException {
        MovieLens read = read("userId,movieId,rating,timestamp\n\n1,1,4.0,5\n  \n\n");

        assertThat(read.ratings()).hasSize(1);
        assertThat(read.badRows().first()).containsExactly(
                "ratings.csv line 2: is blank: \"\"", "ratings.csv line 4: is blank: \"  \"");
        assertThat(read("userId,movieId,rating,timestamp\n1,1,4.0,5\n\n").badRows().count())
                .isZero();
    }

    @Test
    void aByteOrderMarkBeforeTheHeaderIsNoPartOfIt() throws IOException {
        assertThat(read("\uFEFFuserId,movieId,rating,timestamp\r\n1,1,4.0,5\r\n").ratings())
                .hasSize(1);
    }

    @Test
    void aFileOfAnotherFormatIsRefusedWithWhatWasFound() {
        assertThatThrownBy(() -> read("{\"a\": 1}\n"))
                .isInstanceOf(MovieLens.FormatException.class)
                .hasMessageContaining("ratings.csv is not a MovieLens file")
                .hasMessageContaining("userId,movieId,rating,timestamp");
    }

    private MovieLens read(String ratings) throws IOException {
        return MovieLens.read(write("ratings.csv", ratings), write("movies.csv", ITEMS));
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }
}
