package dev.flywheel.engine.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** A time as C's strftime writes it in the C locale. */
final class Strftime {
    private Strftime() {}

    static String text(String format, ZonedDateTime time) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            i++;
            boolean plain = i < format.length() && format.charAt(i) == '-';
            i += plain ? 1 : 0;
            if (i >= format.length()) {
                throw TemplateException.unsupported("the time format '" + format + "'");
            }
            String part = part(format.charAt(i), time);
            out.append(plain ? part.replaceFirst("^0+(?=.)", "") : part);
        }
        return out.toString();
    }

    private static String part(char letter, ZonedDateTime time) {
        String pattern = switch (letter) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'd' -> "dd";
            case 'j' -> "DDD";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'F' -> "yyyy-MM-dd";
            case 'T', 'X' -> "HH:mm:ss";
            case 'R' -> "HH:mm";
            case 'D', 'x' -> "MM/dd/yy";
            default -> "";
        };
        if (letter == '%') {
            return "%";
        }
        if (letter == 'e') {
            return String.format(Locale.ROOT, "%2d", time.getDayOfMonth());
        }
        if (letter == 'f') {
            return String.format(Locale.ROOT, "%06d", time.getNano() / 1000);
        }
        if (pattern.isEmpty()) {
            throw TemplateException.unsupported("the time format '%" + letter + "'");
        }
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(time);
    }
}
