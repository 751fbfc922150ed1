<?php
/**
 * Whether this site is the shop that the hub knows, or a copy of it.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

/**
 * Shops are copied to try things out, with key and connection.  A copy would set real points aside, tell
 * of reviews that nobody wrote, and withdraw consents of real buyers; so a site that stands at an address
 * at which the owner never connected it asks and tells the hub nothing.
 */
final class Site {

	/**
	 * The option that keeps the addresses of the shop.
	 */
	public const ADDRESSES = 'loyalty_hub_addresses';

	private const CONFIRM = 'loyalty_hub_this_is_the_shop';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'admin_notices', array( $this, 'warn' ) );
		add_action( 'admin_post_' . self::CONFIRM, array( $this, 'confirm' ) );
	}

	/**
	 * Whether the shop was connected here, or before addresses were kept.
	 *
	 * @return bool
	 */
	public static function is_the_shop(): bool {
		$known = self::addresses();
		return array() === $known || in_array( self::address(), $known, true );
	}

	/**
	 * The shop was connected here, and nowhere else.
	 */
	public static function connect(): void {
		update_option( self::ADDRESSES, array( self::address() ) );
	}

	/**
	 * Says so to whoever can put it right.
	 */
	public function warn(): void {
		if ( self::is_the_shop() || ! current_user_can( 'manage_woocommerce' ) ) {
			return;
		}
		/* translators: 1: the address at which the shop was connected, 2: the address of this site */
		$text = sprintf( __( 'Loyalty Hub rests: the shop was connected at %1$s, and this site is at %2$s. A copy of the shop must not move real points, so it asks and tells the hub nothing. To try a copy out, pair it with a hub of its own.', 'loyalty-hub' ), implode( ', ', self::addresses() ), self::address() );
		$url  = wp_nonce_url( admin_url( 'admin-post.php?action=' . self::CONFIRM ), self::CONFIRM );
		echo '<div class="notice notice-warning"><p>' . esc_html( $text ) . '</p><p><a class="button" href="' . esc_url( $url ) . '">' . esc_html__( 'This is the shop itself: it has moved, or has this address too', 'loyalty-hub' ) . '</a></p></div>';
	}

	/**
	 * The owner says that the shop has this address, too.
	 */
	public function confirm(): void {
		check_admin_referer( self::CONFIRM );
		if ( ! current_user_can( 'manage_woocommerce' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'loyalty-hub' ), '', array( 'response' => 403 ) );
		}
		update_option( self::ADDRESSES, array_values( array_unique( array_merge( self::addresses(), array( self::address() ) ) ) ) );
		wp_safe_redirect( admin_url( 'admin.php?page=wc-settings&tab=integration&section=' . Options::ID ) );
	}

	/**
	 * Where the shop was connected.
	 *
	 * @return string[]
	 */
	private static function addresses(): array {
		return array_filter( (array) get_option( self::ADDRESSES, array() ), 'is_string' );
	}

	/**
	 * Of this site.  A certificate that was added, or "www.", makes no other shop of it.
	 *
	 * The option, since plugins for several languages change what `home_url` gives by the page.
	 *
	 * @return string
	 */
	private static function address(): string {
		$parts = explode( '://', strtolower( rtrim( (string) get_option( 'home' ), '/' ) ), 2 );
		return (string) preg_replace( '/^www\./', '', end( $parts ) );
	}
}
