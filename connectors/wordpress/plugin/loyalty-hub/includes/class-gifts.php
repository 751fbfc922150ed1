<?php
/**
 * Gifts of the hub's answer, as lines of the cart.
 *
 * @package LoyaltyHub
 */

namespace LoyaltyHub;

use LoyaltyHub\Core\Line;
use LoyaltyHub\Core\Quote;

/**
 * A gift costs nothing, comes and goes with its cause, and is not asked about: the hub has named it.
 * One that the buyer takes out stays out of this cart.
 */
final class Gifts {

	/**
	 * Marks a line of the cart; its value is the promotion.
	 */
	public const MARK = 'loyalty_hub_gift';

	/**
	 * How many the hub gives; WooCommerce puts in one of what is sold one to an order.
	 */
	private const GIVEN = 'loyalty_hub_gift_quantity';

	/**
	 * Listens.
	 */
	public function listen(): void {
		add_action( 'woocommerce_before_calculate_totals', array( $this, 'cost_nothing' ), 1000 );
		add_action( 'woocommerce_remove_cart_item', array( $this, 'refuse' ), 10, 2 );
		add_filter( 'woocommerce_add_cart_item_data', array( $this, 'make_room' ), 10, 4 );
		add_filter( 'woocommerce_cart_item_quantity', array( $this, 'fix_quantity' ), 10, 3 );
		add_filter( 'woocommerce_store_api_product_quantity_editable', array( $this, 'fix_quantity_in_blocks' ), 10, 3 );
		add_filter( 'woocommerce_get_item_data', array( $this, 'name' ), 10, 2 );
	}

	/**
	 * Whether a line of the cart is a gift.
	 *
	 * @param array $item Of the cart.
	 * @return bool
	 */
	public static function is( array $item ): bool {
		return isset( $item[ self::MARK ] );
	}

	/**
	 * Puts the gifts of the answer into the cart, and takes out those that it does not name.
	 *
	 * @param \WC_Cart   $cart    The cart.
	 * @param Quote|null $quote   The answer; without one there are no gifts.
	 * @param string[]   $refused Those that the buyer took out.
	 * @return bool Whether the cart is another now.
	 */
	public static function sync( \WC_Cart $cart, ?Quote $quote, array $refused ): bool {
		$wanted  = array_diff_key( self::wanted( $quote ), array_flip( $refused ) );
		$changed = false;
		foreach ( $cart->get_cart() as $key => $item ) {
			if ( ! self::is( $item ) ) {
				continue;
			}
			$gift = $wanted[ $item[ self::MARK ] ] ?? null;
			if ( null !== $gift && self::is_as_given( $item, $gift['quantity'] ) && self::is_enough( $cart, $item['data'] ) ) {
				unset( $wanted[ $item[ self::MARK ] ] );
				continue;
			}
			$cart->remove_cart_item( $key );
			$changed = true;
		}
		foreach ( $wanted as $mark => $gift ) {
			$changed = self::add( $cart, $mark, $gift ) || $changed;
		}
		return $changed;
	}

	/**
	 * A gift's price, whatever the shop asks for the article.
	 *
	 * @param \WC_Cart $cart The cart.
	 */
	public function cost_nothing( $cart ): void {
		foreach ( $cart->get_cart() as $item ) {
			if ( self::is( $item ) ) {
				$item['data']->set_price( 0 );
			}
		}
	}

	/**
	 * The buyer took a gift out.
	 *
	 * @param string   $key  Of the line.
	 * @param \WC_Cart $cart The cart, with the line still in it.
	 */
	public function refuse( $key, $cart ): void {
		$item = $cart->get_cart()[ $key ] ?? array();
		if ( self::is( $item ) ) {
			Cart::one()->refuse_gift( (string) $item[ self::MARK ] );
		}
	}

	/**
	 * Whoever wants to buy the last of an article gets it, though the cart holds it as a gift.
	 *
	 * WooCommerce calls this before it looks at the stock (`WC_Cart::add_to_cart`, and `CartController` of
	 * the Store API).  The gift comes back with the next calculation, if there is enough.
	 *
	 * @param array $marks     Of the line to be.
	 * @param int   $product   Id.
	 * @param int   $variation Id; 0 for none.
	 * @param float $quantity  Wanted.
	 * @return array
	 */
	public function make_room( $marks, $product, $variation = 0, $quantity = 1 ) {
		$cart   = WC()->cart;
		$wanted = self::is( (array) $marks ) || ! $cart ? null : wc_get_product( $variation ? $variation : $product );
		if ( $wanted && ! self::is_enough( $cart, $wanted, (float) $quantity ) ) {
			$stock = $wanted->get_stock_managed_by_id();
			$cart->set_cart_contents( array_filter( $cart->get_cart_contents(), fn( array $item ) => ! self::is( $item ) || $item['data']->get_stock_managed_by_id() !== $stock ) );
		}
		return $marks;
	}

	/**
	 * At the classic cart there is a number in the place of the field.
	 *
	 * @param string $html With the field.
	 * @param string $key  Of the line.
	 * @param array  $item Of the cart.
	 * @return string
	 */
	public function fix_quantity( $html, $key, $item ) {
		return self::is( (array) $item ) ? esc_html( (string) $item['quantity'] ) : $html;
	}

	/**
	 * The same for the blocks.
	 *
	 * @param bool        $editable As it was.
	 * @param \WC_Product $product  The article.
	 * @param array|null  $item     Of the cart; null where the article is in none.
	 * @return bool
	 */
	public function fix_quantity_in_blocks( $editable, $product, $item ) {
		return $editable && ! self::is( (array) $item );
	}

	/**
	 * Says beside the line what it is.
	 *
	 * @param array $told Names and values.
	 * @param array $item Of the cart.
	 * @return array
	 */
	public function name( $told, $item ) {
		if ( self::is( (array) $item ) ) {
			$told[] = array(
				'key'   => __( 'Gift', 'loyalty-hub' ),
				'value' => __( 'with this order', 'loyalty-hub' ),
			);
		}
		return $told;
	}

	/**
	 * The gifts of an answer, by their marks.
	 *
	 * @param Quote|null $quote The answer.
	 * @return array<string, array{sku: string, quantity: float}>
	 */
	private static function wanted( ?Quote $quote ): array {
		$wanted = array();
		foreach ( null === $quote ? array() : $quote->gifts() as $gift ) {
			$wanted[ $gift['promotion'] . '/' . $gift['sku'] ] = array(
				'sku'      => $gift['sku'],
				'quantity' => (float) $gift['quantity'],
			);
		}
		return $wanted;
	}

	/**
	 * Whether a line is what the answer gives.  It may be less: of what is sold one to an order.
	 *
	 * @param array $item  Of the cart.
	 * @param float $given By the answer.
	 * @return bool
	 */
	private static function is_as_given( array $item, float $given ): bool {
		return (float) ( $item[ self::GIVEN ] ?? 0 ) === $given && (float) $item['quantity'] <= $given;
	}

	/**
	 * Whether the shop has what the cart holds of an article, bought and given, besides what unpaid
	 * orders keep: by the rule of `WC_Cart::check_cart_item_stock`, which refuses the whole order.
	 *
	 * @param \WC_Cart    $cart    The cart.
	 * @param \WC_Product $product The article.
	 * @param float       $more    To be put in.
	 * @return bool
	 */
	private static function is_enough( \WC_Cart $cart, \WC_Product $product, float $more = 0 ): bool {
		$needed = $more + ( $cart->get_cart_item_quantities()[ $product->get_stock_managed_by_id() ] ?? 0 );
		if ( $product->managing_stock() ) {
			$own     = WC()->session->get( 'order_awaiting_payment' ) ?: WC()->session->get( 'store_api_draft_order' );
			$needed += wc_get_held_stock_quantity( $product, (int) $own );
		}
		return $product->is_in_stock() && $product->has_enough_stock( $needed );
	}

	/**
	 * Puts one in.  What the shop does not have is given by hand: the buyer is told of it anyway.
	 *
	 * @param \WC_Cart $cart The cart.
	 * @param string   $mark Of the gift.
	 * @param array    $gift Article code and quantity.
	 * @return bool Whether it is in.
	 */
	private static function add( \WC_Cart $cart, string $mark, array $gift ): bool {
		$product = self::article( $gift['sku'] );
		if ( null === $product || ! $product->is_purchasable() || ! self::is_enough( $cart, $product, $gift['quantity'] ) ) {
			return false;
		}
		$is_variation = $product->is_type( 'variation' );
		$number       = $is_variation ? $product->get_parent_id() : $product->get_id();
		$attributes   = $is_variation ? $product->get_variation_attributes() : array();
		$marks        = array(
			self::MARK  => $mark,
			self::GIVEN => $gift['quantity'],
		);
		// The buyer did not ask for it: an error would refuse the order that they did ask for.
		$notices = wc_get_notices();
		$is_in   = false !== $cart->add_to_cart( $number, $gift['quantity'], $is_variation ? $product->get_id() : 0, $attributes, $marks );
		wc_set_notices( $notices );
		return $is_in;
	}

	/**
	 * The article behind a code, by the rule of `Line::sku`.
	 *
	 * @param string $sku Its code.
	 * @return \WC_Product|null
	 */
	public static function article( string $sku ): ?\WC_Product {
		$number = (int) wc_get_product_id_by_sku( $sku );
		if ( 0 === $number && preg_match( '/^wc-([0-9]{1,18})$/D', $sku, $found ) ) {
			$number = (int) $found[1];
		}
		$product = $number > 0 ? wc_get_product( $number ) : null;
		return $product && Line::sku( (string) $product->get_sku(), $product->get_id() ) === $sku ? $product : null;
	}
}
