// Whoever signs in next on this phone sees nothing of who was here before.
import { drop } from "./store.js";

drop("current");
